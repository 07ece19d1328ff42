import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type Endable,
  endsToken,
  FEED_STALE_MS,
  ISSUED_BEFORE_MARGIN_MS,
  REPLICA_SKEW_MS,
  revocablesOf,
} from './index.ts'

const ISSUER = 'https://gw.example'
const THREE: Endable = {
  issuer: ISSUER,
  audience: 'https://payroll.example',
  account: 'u1',
  sessionId: 's1',
  jti: 'jti-3',
  keyId: 'k1',
  issuedAt: 1_800_000_000,
  chain: [
    { iss: ISSUER, sub: 'crm' },
    { iss: ISSUER, sub: `${ISSUER}/crm/mcp`, client_id: 'gateway' },
    { iss: 'https://partner.example', sub: 'stranger' },
    { iss: ISSUER, sub: 'planner' },
  ],
  delegation: { gid: 'g1', hop: 4, rem: 4, anc: ['f1', 'jti-1', 'jti-2'] },
}

describe('what a token ends with', () => {
  test('is everything it names, by its own kind, and nobody who acts under the name of another issuer', () => {
    expect(revocablesOf(THREE).map(({ kind, id }) => `${kind} ${id}`)).toEqual([
      'grant g1',
      'family f1',
      'session s1',
      'user u1',
      'token jti-3',
      'token jti-1',
      'token jti-2',
      'key k1',
      'agent https://payroll.example',
      'server https://payroll.example',
      'agent crm',
      'server crm',
      `agent ${ISSUER}/crm/mcp`,
      `server ${ISSUER}/crm/mcp`,
      'agent planner',
      'server planner',
      'edge crm https://payroll.example',
      `edge ${ISSUER}/crm/mcp crm`,
    ])
  })

  test('grows along a chain: what ends a token ends all that was exchanged from it', () => {
    // An audience that acts is named by its key as its own audience is.
    const parent: Endable = { ...THREE, audience: 'payroll' }
    const child: Endable = {
      ...parent,
      audience: 'https://bank.example',
      jti: 'jti-4',
      chain: [{ iss: ISSUER, sub: 'payroll' }, ...THREE.chain],
      delegation: { ...THREE.delegation, anc: [...THREE.delegation.anc, THREE.jti] },
    }
    expect(revocablesOf(child)).toEqual(expect.arrayContaining([...revocablesOf(parent)]))
  })
})

describe('an entry of the feed', () => {
  const at = fc.integer({ min: 0, max: 2 ** 45 })
  const seconds = fc.integer({ min: 0, max: 2 ** 35 })

  test.each(['grant', 'family', 'session', 'token', 'key'])(
    'for a %s ends whatever names it, whenever it was issued',
    (kind) => {
      const ends = fc.property(at, seconds, (at, issuedAt) => endsToken({ kind, at }, { issuedAt }))
      fc.assert(ends)
    },
  )

  test.each(['user', 'agent', 'server', 'edge'])(
    'for a %s ends every token from before it, however far two clocks are apart within the margin',
    (kind) => {
      const skew = fc.integer({ min: -REPLICA_SKEW_MS, max: REPLICA_SKEW_MS })
      // Issued up to as long after the revocation as a replica may not have heard of it, by a clock that differs.
      const since = fc.integer({ min: -(2 ** 30), max: FEED_STALE_MS })
      const survives = fc.property(at, skew, since, (at, skew, since) =>
        endsToken({ kind, at }, { issuedAt: Math.floor((at + since + skew) / 1000) }),
      )
      fc.assert(survives)
    },
  )

  test.each(['user', 'agent', 'server', 'edge'])('for a %s ends no token from after the margin', (kind) => {
    const later = fc.property(at, fc.integer({ min: 1, max: 2 ** 30 }), (at, later) => {
      const issuedAt = Math.ceil((at + ISSUED_BEFORE_MARGIN_MS + later) / 1000)
      return !endsToken({ kind, at }, { issuedAt })
    })
    fc.assert(later)
  })
})

test('the margin is ten seconds: who signs in anew waits no longer', () => {
  expect([FEED_STALE_MS, REPLICA_SKEW_MS, ISSUED_BEFORE_MARGIN_MS]).toEqual([5000, 5000, 10_000])
})
