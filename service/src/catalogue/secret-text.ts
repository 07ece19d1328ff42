import { isReference } from '#secrets'
import { isPasswordHash } from '#users'

/** How a secret is named where it must not be written. */
export const REFERENCE_FORMS = '`env:NAME` or `file:///absolute/path`'

/** What is wrong with the text of a secret, or undefined. Never repeats it. */
export function referenceProblem(text: string): string | undefined {
  return isReference(text)
    ? undefined
    : `A secret is never written here: keep it elsewhere and name it, as ${REFERENCE_FORMS}.`
}

/** A password may also be its own hash. */
export function passwordProblem(text: string): string | undefined {
  return isReference(text) || isPasswordHash(text)
    ? undefined
    : `A password is never written here: write the hash that \`tetrapod hash-password\` prints (scrypt:N:r:p:salt:hash), or name it as ${REFERENCE_FORMS}.`
}

/** By its beginning alone: what is wrong behind it, opening the database tells. */
export function isDatabaseUrl(text: string): boolean {
  return /^postgres(?:ql)?:\/\//.test(text)
}
