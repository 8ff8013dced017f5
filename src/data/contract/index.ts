/** What contracts ask of data. Entry: `parseContract`, then `chooseTable, isCalledLike, otherTables`. */
export { chooseTable, isCalledLike, otherTables, stemOf } from './choose-table.ts'
export { draftContract } from './draft-contract.ts'
export { parseContract } from './parse-contract.ts'
export * from './rule.ts'
