import type { Families } from '#grants'

/**
 * Names one login of an agent under a grant: the id of the library's Grant model. The three parts are random ids of
 * ours; finding a row by it asks whether grant and family are alive.
 */
export interface LoginId {
  readonly grant: string
  readonly family: string
  /** The browser session it happened in: `sid` in tokens. */
  readonly session: string
}

export function formatLoginId({ grant, family, session }: LoginId): string {
  return `${grant}.${family}.${session}`
}

/** Undefined for a string that is not one. */
export function parseLoginId(value: string): LoginId | undefined {
  const [grant, family, session, ...rest] = value.split('.')
  if (!grant || !family || !session || rest.length > 0) return undefined
  return { grant, family, session }
}

/** What is used twice ends the login it was for, the tokens already out included; the user's grant stays. */
export async function endLogin(id: string, families: Pick<Families, 'end'>): Promise<void> {
  const login = parseLoginId(id)
  if (login !== undefined) await families.end(login.family)
}
