import type { AccessToken, Actor } from '@tetrapod/protocol'
import { expect, test } from 'vitest'
import type { Caller } from './callers.ts'
import { checkMayAct } from './subjects.ts'

const ISSUER = 'https://gw.example'
const caller: Caller = { kind: 'agent', key: 'researcher' }

function codeFor(mayAct: Actor | undefined): string {
  try {
    checkMayAct(caller, { mayAct } as AccessToken, ISSUER)
    return 'accepted'
  } catch (error) {
    return (error as { code: string }).code
  }
}

test.each<readonly [string, Actor | undefined]>([
  ['nobody is named', undefined],
  ['the caller is named', { iss: ISSUER, sub: 'researcher' }],
  [
    'the caller is named, and as the client it is',
    { iss: ISSUER, sub: 'researcher', client_id: 'researcher' },
  ],
])('may act, where %s', (_, mayAct) => {
  expect(codeFor(mayAct)).toBe('accepted')
})

test.each<readonly [string, Actor]>([
  ['another is named', { iss: ISSUER, sub: 'planner' }],
  [
    'somebody of the same name at another issuer is named',
    { iss: 'https://evil.example', sub: 'researcher' },
  ],
  ['the issuer is spelled otherwise', { iss: `${ISSUER}/`, sub: 'researcher' }],
  ['the name is in another case', { iss: ISSUER, sub: 'Researcher' }],
  ['the name is of another client', { iss: ISSUER, sub: 'researcher', client_id: 'planner' }],
  ['the client alone is right', { iss: ISSUER, sub: 'planner', client_id: 'researcher' }],
])('may not act, where %s', (_, mayAct) => {
  expect(codeFor(mayAct)).toBe('may_act')
})
