export type { Grant, GrantedMount, GrantStore } from './grant-store.ts'
