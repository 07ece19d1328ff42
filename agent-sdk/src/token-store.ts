/** What a stored value belongs to. Values of one key are never used under another. */
export interface StoreKey {
  /** The authorization server: what it gave is good there alone. */
  readonly issuer: string
  /** Without it, the value is how the agent is registered at the issuer. */
  readonly resource?: string
  readonly clientId?: string
  /** Whose login, where one agent acts for many. */
  readonly user?: string
}

/**
 * Where registrations and tokens are kept. Every value is a secret, of a format that is the SDK's own.
 *
 * A store that several processes share makes `save` atomic: the other sees the old value or the new one. `save`
 * resolves when the value outlives a crash: a refresh token that was replaced is used up.
 */
export interface TokenStore {
  load(key: StoreKey): Promise<string | undefined>
  save(key: StoreKey, value: string): Promise<void>
  delete(key: StoreKey): Promise<void>
}

/** Forgets everything when the process ends. */
export function memoryStore(): TokenStore {
  const values = new Map<string, string>()
  return {
    load: (key) => Promise.resolve(values.get(formatKey(key))),
    save: (key, value) => Promise.resolve(void values.set(formatKey(key), value)),
    delete: (key) => Promise.resolve(void values.delete(formatKey(key))),
  }
}

/** One text for one key: no two keys have the same. */
export function formatKey({ issuer, resource = '', clientId = '', user = '' }: StoreKey): string {
  return JSON.stringify([issuer, resource, clientId, user])
}
