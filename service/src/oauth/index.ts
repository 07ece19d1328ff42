export type { ReplayStore, StateRow, StateStore } from './state-store.ts'
