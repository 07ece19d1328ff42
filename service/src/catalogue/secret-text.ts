import { isReference } from '#secrets'

// 128 bits of salt and 256 of hash at least, base64url.
const PASSWORD_HASH = /^scrypt:(\d{1,8}):\d{1,3}:\d{1,3}:[\w-]{22,}:[\w-]{43,}$/

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
    : `A password is never written here: write its hash (scrypt:N:r:p:salt:hash), or name the hash as ${REFERENCE_FORMS}.`
}

/** `scrypt:N:r:p:salt:hash` (RFC 7914), the last two base64url; N is a power of two, at least 1024. */
export function isPasswordHash(text: string): boolean {
  const cost = Number(PASSWORD_HASH.exec(text)?.[1])
  return cost >= 1024 && Number.isInteger(Math.log2(cost))
}

/** By its beginning alone: what is wrong behind it, opening the database tells. */
export function isDatabaseUrl(text: string): boolean {
  return /^postgres(?:ql)?:\/\//.test(text)
}
