import { describe, expect, test } from 'vitest'
import { createApis } from '#apis'
import type { Server } from '#servers'
import { callsFrom, shownScopes } from './closure.ts'

const apis = createApis([
  {
    key: 'payroll',
    name: 'Payroll',
    resource: 'https://payroll.internal',
    internal: false,
    credential: undefined,
    scopes: { 'payroll.read': 'Read your payslips' },
    subject: undefined,
    authentication: undefined,
  },
])
const server = {
  scopes: { 'crm.read': 'Read your customers', 'crm.write': 'Change your customers' },
  calls: {
    payroll: { 'crm.read': ['payroll.read'], 'crm.write': ['payroll.read', 'payroll.pay'] },
    gone: { 'crm.read': ['x'] },
  },
} as unknown as Server

describe('the closure of scopes through calls', () => {
  test('shows each scope in words with what it reaches; what has no words shows its name', () => {
    expect(shownScopes(server, new Set(['crm.write']), apis)).toEqual([
      {
        scope: 'crm.write',
        words: 'Change your customers',
        reaches: [
          { api: 'Payroll', scope: 'payroll.read', words: 'Read your payslips' },
          { api: 'Payroll', scope: 'payroll.pay', words: 'payroll.pay' },
        ],
      },
    ])
  })

  test('the grant covers the edges from the scopes that were shown and no other', () => {
    expect(callsFrom(server, new Set(['crm.read']))).toEqual({
      payroll: { 'crm.read': ['payroll.read'] },
      gone: { 'crm.read': ['x'] },
    })
    expect(callsFrom(server, new Set(['crm.other']))).toEqual({})
  })
})
