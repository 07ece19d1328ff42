/** What the page offers to call, with what it sends. */
export const offered: ReadonlyMap<string, Readonly<Record<string, unknown>>> = new Map([
  ['my_commission', { month: '2026-10' }],
  ['delete_customer', { id: 'c-101' }],
])
