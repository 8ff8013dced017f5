/** How the schemas of the standard are compiled, here and by the build: `format` only annotates in their draft. */
export const schemaOptions = { allErrors: true, strict: false, validateFormats: false, validateSchema: false } as const

/** Versions of the standard whose schemas ship, as `schemas/odcs-<version>.json`. */
export const shippedSchemas = ['3.0.2', '3.1.0', '3.2.0'] as const
export type ShippedSchema = (typeof shippedSchemas)[number]
