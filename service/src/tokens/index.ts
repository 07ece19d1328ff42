export type { SigningKeyRow, SigningKeyStore } from './signing-key-store.ts'
