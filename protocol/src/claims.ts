import { z } from 'zod'
import { Refusal } from './refusal.ts'

/** The text of a claim: never empty, never long. */
export const text = z.string().min(1).max(512)
/** RFC 7519 §2, NumericDate, in whole seconds. */
export const seconds = z.int().nonnegative()
/** One audience and no other: a string, or a list of one (RFC 7519 §4.1.3). */
export const soleAudience = z.union([text, z.tuple([text]).transform(([audience]) => audience)])
/** A claim that this kind of JWT does not have: it is the mark of another kind. */
export const absent = z.never().optional()

/** The claims as `schema` reads them. Throws {@link Refusal} `claims` where it cannot. */
export function parseClaims<T>(schema: z.ZodType<T>, payload: unknown): T {
  const parsed = schema.safeParse(payload)
  if (!parsed.success) throw new Refusal('claims', z.prettifyError(parsed.error))
  return parsed.data
}
