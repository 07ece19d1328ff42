export type { Bundle, BundleStore } from './bundle-store.ts'
