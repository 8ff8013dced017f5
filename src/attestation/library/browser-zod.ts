/**
 * `zod` for the library: the same schemas from `zod/mini`, of which a bundler leaves out what nobody calls, with the methods
 * that our shapes are spelt with. No shape is written twice. DECISION 0043.
 *
 * Shapes are made when the bundle is loaded: who spells one with something that is not here sees that at once.
 */
import * as mini from 'zod/mini'
import en from 'zod/v4/locales/en.js'

type Schema = mini.ZodMiniType
type Params = Parameters<typeof mini.refine>[1]

// The messages of `zod`, which sets its language itself.
mini.config(en())

const isNumber = ({ def }: Schema): boolean => def.type === 'number'

/** What a schema is asked for, by the name that `zod` gives it. */
const methods = {
  min(this: Schema, limit: number): Schema {
    return this.check(isNumber(this) ? mini.gte(limit) : mini.minLength(limit))
  },
  max(this: Schema, limit: number): Schema {
    return this.check(isNumber(this) ? mini.lte(limit) : mini.maxLength(limit))
  },
  positive(this: Schema): Schema {
    return this.check(mini.positive())
  },
  nonnegative(this: Schema): Schema {
    return this.check(mini.nonnegative())
  },
  regex(this: Schema, pattern: RegExp, message?: string): Schema {
    return this.check(mini.regex(pattern, message))
  },
  refine(this: Schema, holds: (value: unknown) => boolean, params: Params): Schema {
    return this.check(mini.refine(holds, params))
  },
  optional(this: Schema): Schema {
    return mini.optional(this)
  },
  exactOptional(this: Schema): Schema {
    return mini.exactOptional(this)
  },
  nullable(this: Schema): Schema {
    return mini.nullable(this)
  },
  default(this: Schema, value: NonNullable<unknown>): Schema {
    return mini._default(this, value)
  },
  transform(this: Schema, change: (value: unknown, context: Context) => unknown): Schema {
    return mini.pipe(
      this,
      mini.transform((value, payload) =>
        change(value, {
          addIssue: (message) => void payload.issues.push({ code: 'custom', message, input: value, path: [] }),
        }),
      ),
    )
  },
  extend(this: mini.ZodMiniObject, shape: Readonly<Record<string, Schema>>): Schema {
    return mini.extend(this, shape)
  },
}

type Context = Readonly<{ addIssue(message: string): void }>

// zod puts on each schema what stands on the prototype of its kind.
Object.assign(mini.ZodMiniType.prototype, methods)

/** Functions of `zod` that shapes of the library call. */
export const z = {
  array: mini.array,
  boolean: mini.boolean,
  custom: mini.custom,
  discriminatedUnion: mini.discriminatedUnion,
  enum: mini.enum,
  int: mini.int,
  iso: { date: mini.iso.date, datetime: mini.iso.datetime },
  literal: mini.literal,
  looseObject: mini.looseObject,
  number: mini.number,
  object: mini.object,
  record: mini.record,
  strictObject: mini.strictObject,
  string: mini.string,
  tuple: mini.tuple,
  union: mini.union,
  NEVER: mini.NEVER,
}
