import { describe, expect, test } from 'vitest'
import { codeAs, jwtKinds, NOW, PEER, readAs, US } from './jwt-kinds.fixture.ts'

const { events } = jwtKinds['security event'].claims
const [type = ''] = Object.keys(events)

describe('a security event', () => {
  test('says what happened to whom', () => {
    expect(readAs('security event')).toEqual({
      issuer: PEER,
      jti: 'j1',
      issuedAt: NOW,
      transaction: 't1',
      subjectId: { format: 'iss_sub', iss: PEER, sub: 'alice' },
      type,
      event: { reason: 'x' },
    })
  })

  test.each([
    ['that was delivered a week late', { iat: NOW - 7 * 86_400 }],
    ['for us, in a list', { aud: [US] }],
    ['with an event that says no more', { events: { [type]: {} } }],
    ['about somebody in another format', { sub_id: { format: 'opaque', id: 'x' }, txn: undefined }],
  ])('%s is accepted', (_, change) => {
    expect(codeAs('security event', change)).toBe('accepted')
  })

  test.each<readonly [string, string, object]>([
    ['claims', 'without an issuer', { iss: undefined }],
    ['claims', 'without an audience', { aud: undefined }],
    ['claims', 'without an id', { jti: undefined }],
    ['claims', 'without a time', { iat: undefined }],
    ['claims', 'without a subject', { sub_id: undefined }],
    ['claims', 'with a subject in no format', { sub_id: { iss: PEER, sub: 'alice' } }],
    ['claims', 'with a subject that is a text', { sub_id: 'alice' }],
    ['claims', 'with no events', { events: undefined }],
    ['claims', 'with an empty list of events', { events: {} }],
    ['claims', 'with two events', { events: { ...events, other: {} } }],
    ['claims', 'with an event that is a text', { events: { [type]: 'x' } }],
    ['claims', 'with events in a list', { events: [events] }],
    ['claims', 'for us and another', { aud: [US, 'https://other.example'] }],
    ['claims', 'with the subject of a token', { sub: 'alice' }],
    ['claims', 'with the end of a token', { exp: NOW + 60 }],
    ['claims', 'with the nonce of an ID token', { nonce: 'n1' }],
    ['issuer', 'of another transmitter', { iss: 'https://other.example' }],
    ['audience', 'for another receiver', { aud: 'https://other.example' }],
    ['not_yet', 'from the future', { iat: NOW + 61 }],
  ])('is refused (%s) %s', (code, _, change) => {
    expect(codeAs('security event', { ...change })).toBe(code)
  })
})
