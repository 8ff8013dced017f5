/**
 * The JSON schemas of the standard as functions. The build has those of the command line compiled
 * beforehand: it puts what `scripts/compiled-schemas.ts` makes of the same files, with the same options, in the place of this module.
 */
import { Ajv2019, type ValidateFunction } from 'ajv/dist/2019.js'
import { type ShippedSchema, schemaOptions } from './schema-options.ts'
import odcs30 from './schemas/odcs-3.0.2.json' with { type: 'json' }
import odcs31 from './schemas/odcs-3.1.0.json' with { type: 'json' }
import odcs32 from './schemas/odcs-3.2.0.json' with { type: 'json' }

const schemas: Readonly<Record<ShippedSchema, object>> = { '3.0.2': odcs30, '3.1.0': odcs31, '3.2.0': odcs32 }
const validators = new Map<ShippedSchema, ValidateFunction>()

export function schemaOf(version: ShippedSchema): ValidateFunction {
  const known = validators.get(version)
  if (known !== undefined) return known
  // quickly rather than well: 0.05 s instead of 0.2
  const quickly = { code: { optimize: false }, inlineRefs: false }
  const validate = new Ajv2019({ ...schemaOptions, ...quickly }).compile(schemas[version])
  validators.set(version, validate)
  return validate
}
