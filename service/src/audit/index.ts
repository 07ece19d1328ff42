export { type Audit, type AuditDeps, openAudit } from './audit.ts'
export { type AuditLine, formatLine } from './audit-line.ts'
export type { AuditVault } from './audit-vault.ts'
export type { Bundle, BundleStore } from './bundle-store.ts'
export type { Lease, LeaseState, LeaseStore } from './lease-store.ts'
export type {
  Amendment,
  AuditUser,
  DecisionInput,
  EventInput,
  ExchangeInput,
  Outcome,
  OutcomeStatus,
} from './record-input.ts'
