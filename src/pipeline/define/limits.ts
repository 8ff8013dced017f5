/** How much of a definition is read. Beyond a limit the answer is a refusal that names it; docs print these numbers. */

/** LIMIT: bytes of one dvc.yaml, .dvc, assay.yaml, dvc.lock or params file. */
export const maxFileBytes = 8 * 1024 * 1024
/** LIMIT: nesting of one document; DVC itself ends at Python's recursion limit. */
export const maxDepth = 100
/** LIMIT: nodes of one document after its aliases are followed (alias bombs). */
export const maxNodes = 2_000_000
/** LIMIT: stages of a project, generated ones included. */
export const maxStages = 100_000
/** LIMIT: dvc.yaml and .dvc files of a project. */
export const maxDefinitionFiles = 100_000
/** LIMIT: bytes of one resolved text; a template in a loop could otherwise fill the memory. */
export const maxTextBytes = 1024 * 1024
/** LIMIT: resolved text of a whole project, in UTF-16 units. */
export const maxProjectText = 256 * 1024 * 1024
/** LIMIT: values handled while the templates of a project are filled in: stages times what each of them holds. */
export const maxProjectNodes = 10_000_000
/** LIMIT: edges between stages and `.dvc` files. */
export const maxEdges = 2_000_000
/** LIMIT: digits of an integer, which is where Python stops too. */
export const maxIntegerDigits = 4300
