import { expect, test } from 'vitest'
import type { Audit } from '#audit'
import type { Grant } from '#grants'
import type { Users } from '#users'
import { recorders } from './recorders.ts'

const crm = {
  scopes: ['crm.read'],
  calls: { payroll: { 'crm.read': ['payroll.read'] } },
  delegates: { assistant: ['researcher'] },
  since: 1,
  expiresAt: 2,
}
const grant: Grant = {
  id: 'g',
  version: 3,
  user: 'u1',
  agent: 'assistant',
  redirectUris: [],
  mounts: { crm },
  createdAt: 1,
  expiresAt: 2,
  revokedAt: undefined,
}

test('a consent is on record with all that it gives: scopes, what they lead to, hand-overs, and until when', async () => {
  const records: object[] = []
  const audit = { event: async (input: object) => records.push(input) } as unknown as Audit
  const users = { find: async () => undefined } as unknown as Users
  await recorders(audit, users).consent(grant)
  expect(records).toEqual([
    {
      kind: 'grant_given',
      user: { id: 'u1', username: undefined },
      agent: 'assistant',
      grant: 'g',
      version: 3,
      mounts: { crm: crm.scopes },
      delegates: { crm: crm.delegates },
      calls: { crm: crm.calls },
      expiresAt: { crm: crm.expiresAt },
    },
  ])
})
