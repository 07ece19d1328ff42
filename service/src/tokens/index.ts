export type { KeyState } from './key-schedule.ts'
export {
  extended,
  handedLineage,
  knownElsewhere,
  type LineageClaims,
  type Login,
  type MintedClaims,
  nextLineage,
  type Step,
  type TransactionClaims,
  transactionClaims,
} from './lineage.ts'
export type { KeySet, KeyStatus, SigningKeys } from './signing-keys.ts'
export type { SigningKeyRow, SigningKeyStore } from './signing-key-store.ts'
export { endsOf, openTokens, type Tokens } from './tokens.ts'
