import type { Sealed } from './sealed.ts'

/** Where the service's own named secrets lie (`tickets`, `cookies`, `audit.hmac`), sealed. */
export interface SecretStore {
  find(name: string): Promise<Sealed | undefined>
  /** False, and nothing written, when the name is taken: two starts at once end with one secret. */
  insert(name: string, value: Sealed): Promise<boolean>
}
