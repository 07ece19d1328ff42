export type { Purpose, RowKey, Sealed } from './sealed.ts'
export type { SecretStore } from './secret-store.ts'
