export type { ClientCredential } from './client-credential.ts'
