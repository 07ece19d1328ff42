export type { ClientCredential } from './client-credential.ts'
export { createSecrets, isReference, type Secrets } from './secrets.ts'
