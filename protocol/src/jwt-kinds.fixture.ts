import { parseAccessToken } from './access-token.ts'
import { parseAuthorizationResponse } from './authorization-response.ts'
import { parseClientAssertion } from './client-assertion.ts'
import { parseAttestationProof, parseClientAttestation } from './client-attestation.ts'
import { parseDpopProof } from './dpop-proof.ts'
import { parseIdJag } from './id-jag.ts'
import { parseIdToken } from './id-token.ts'
import { parseIntrospectionResponse } from './introspection-response.ts'
import { parseJwtGrant } from './jwt-grant.ts'
import { parseLogoutToken } from './logout-token.ts'
import { codeOf } from './refusal.fixture.ts'
import { parseRequestObject } from './request-object.ts'
import { parseSecurityEvent } from './security-event.ts'
import { parseSoftwareStatement } from './software-statement.ts'
import { parseTransactionToken } from './transaction-token.ts'

type Members = Readonly<Record<string, unknown>>

/** One kind of JWT: an honest one, and its validator, told to expect just that one. */
export interface JwtKind {
  readonly header: Members
  readonly claims: Members
  readonly read: (header: Members, claims: unknown) => unknown
}

export const NOW = 1_800_000_000
/** The party that everything comes from: an identity provider, an authorization server and a client of ours. */
export const PEER = 'https://peer.example'
/** We, under every name we have: an authorization server, a client, a resource, a receiver. */
export const US = 'https://us.example'
/** A public key of P-256 (RFC 7515, appendix A.3). */
export const KEY = {
  kty: 'EC',
  crv: 'P-256',
  x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
  y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0',
} as const
const signed = (typ: string, more: Members = {}): Members => ({ alg: 'ES256', kid: 'k1', typ, ...more })
const given = { iss: PEER, aud: US, iat: NOW, nbf: NOW, exp: NOW + 60 }
const ours = { issuer: US, now: NOW }
const theirs = { issuer: PEER, now: NOW }

/** Every kind, from the one party to the other: nothing but the kind tells them apart. */
export const jwtKinds = {
  'access token': {
    header: signed('at+jwt'),
    claims: {
      ...given,
      sub: 'u1',
      client_id: 'gateway',
      jti: 'j1',
      scope: 'crm.read',
      auth_time: NOW - 60,
      acr: 'urn:example:pwd',
      sid: 'session-1',
      sub_id: { format: 'iss_sub', iss: 'https://idp.example', sub: 'alice' },
      txn: 'txn-1',
      act: { iss: PEER, sub: 'planner' },
      dlg: { gid: 'grant-1', hop: 1, rem: 7, anc: ['family-1'] },
    },
    read: ({ typ }, claims) => parseAccessToken({ typ, kid: 'k1' }, claims, { ...theirs, audience: US }),
  },
  'ID token': {
    header: signed('JWT'),
    claims: { ...given, sub: 'alice', azp: US, nonce: 'n1', auth_time: NOW - 60, acr: 'high', sid: 's1' },
    read: ({ typ }, claims) => parseIdToken(typ, claims, { ...theirs, clientId: US, nonce: 'n1' }),
  },
  'client assertion': {
    header: signed('client-authentication+jwt'),
    claims: { ...given, sub: PEER, jti: 'j1' },
    read: ({ typ }, claims) => parseClientAssertion(typ, claims, { ...ours, clientId: PEER }),
  },
  'ID-JAG': {
    header: signed('oauth-id-jag+jwt'),
    claims: {
      ...given,
      sub: 'alice',
      client_id: 'crm',
      jti: 'j1',
      scope: 'crm.read',
      resource: 'https://crm.example',
      tenant: 't1',
      auth_time: NOW - 60,
      acr: 'high',
      cnf: { jkt: 'k1' },
    },
    read: ({ typ }, claims) => parseIdJag(typ, claims, { ...theirs, audience: US, clientId: 'crm' }),
  },
  'JWT grant': {
    header: signed('JWT'),
    claims: { ...given, sub: 'alice', jti: 'j1', scope: 'crm.read' },
    read: ({ typ }, claims) => parseJwtGrant(typ, claims, { ...theirs, audiences: [US] }),
  },
  'DPoP proof': {
    header: { alg: 'ES256', typ: 'dpop+jwt', jwk: KEY },
    claims: { jti: 'j1', htm: 'POST', htu: `${US}/token`, iat: NOW, ath: 'h1', nonce: 'n1' },
    read: (header, claims) =>
      parseDpopProof(header, claims, {
        method: 'POST',
        url: `${US}/token`,
        accessTokenHash: 'h1',
        nonce: 'n1',
        now: NOW,
      }),
  },
  'introspection response': {
    header: signed('token-introspection+jwt'),
    claims: { iss: PEER, aud: US, iat: NOW, token_introspection: { active: true, sub: 'alice' } },
    read: ({ typ }, claims) => parseIntrospectionResponse(typ, claims, { ...theirs, audience: US }),
  },
  'security event': {
    header: signed('secevent+jwt'),
    claims: {
      iss: PEER,
      aud: US,
      jti: 'j1',
      iat: NOW,
      txn: 't1',
      sub_id: { format: 'iss_sub', iss: PEER, sub: 'alice' },
      events: { 'https://schemas.openid.net/secevent/caep/event-type/session-revoked': { reason: 'x' } },
    },
    read: ({ typ }, claims) => parseSecurityEvent(typ, claims, { ...theirs, audience: US }),
  },
  'logout token': {
    header: signed('logout+jwt'),
    claims: {
      ...given,
      sub: 'alice',
      sid: 's1',
      jti: 'j1',
      events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
    },
    read: ({ typ }, claims) => parseLogoutToken(typ, claims, { ...theirs, clientId: US }),
  },
  'client attestation': {
    header: signed('oauth-client-attestation+jwt'),
    claims: { iss: PEER, sub: 'agent', iat: NOW, nbf: NOW, exp: NOW + 60, cnf: { jwk: KEY } },
    read: ({ typ }, claims) =>
      parseClientAttestation(typ, claims, { attester: PEER, clientId: 'agent', now: NOW }),
  },
  'attestation proof': {
    header: signed('oauth-client-attestation-pop+jwt'),
    claims: { iss: PEER, aud: US, jti: 'j1', iat: NOW, challenge: 'c1' },
    read: (header, claims) =>
      parseAttestationProof(header, claims, {
        attestation: { clientId: PEER, key: KEY, expiresAt: NOW + 60 },
        ...ours,
        challenge: 'c1',
      }),
  },
  'request object': {
    header: signed('oauth-authz-req+jwt'),
    claims: { ...given, client_id: PEER, response_type: 'code', scope: 'crm.read', nonce: 'n1', state: 's1' },
    read: ({ typ }, claims) => parseRequestObject(typ, claims, { ...ours, clientId: PEER }),
  },
  'authorization response': {
    header: signed('JWT'),
    claims: { ...given, code: 'c1', state: 's1' },
    read: ({ typ }, claims) =>
      parseAuthorizationResponse(typ, claims, { ...theirs, clientId: US, state: 's1' }),
  },
  'software statement': {
    header: signed('JWT'),
    claims: { ...given, software_id: 'approved-1', client_name: 'Approved' },
    read: (header, claims) => parseSoftwareStatement(header, claims, { ...theirs, audiences: [US] }),
  },
  'transaction token': {
    header: signed('txntoken+jwt'),
    claims: {
      ...given,
      aud: new URL(PEER).host,
      sub: 'u1',
      jti: 'j1',
      scope: 'crm.read',
      req_wl: 'gateway',
      auth_time: NOW - 60,
      acr: 'urn:example:pwd',
      sid: 'session-1',
      sub_id: { format: 'iss_sub', iss: 'https://idp.example', sub: 'alice' },
      txn: 'txn-1',
      act: { iss: PEER, sub: 'planner' },
      dlg: { gid: 'grant-1', hop: 1, rem: 7, anc: ['family-1'], to: 'crm' },
    },
    read: ({ typ }, claims) => parseTransactionToken({ typ, kid: 'k1' }, claims, { ...theirs, to: 'crm' }),
  },
} as const satisfies Readonly<Record<string, JwtKind>>

export type JwtKindName = keyof typeof jwtKinds

/** What the validator of a kind makes of an honest one of it, changed. Members that are undefined are left out. */
export function readAs(name: JwtKindName, changed: Members = {}, header: Members = {}): unknown {
  const kind: JwtKind = jwtKinds[name]
  return kind.read(without({ ...kind.header, ...header }), without({ ...kind.claims, ...changed }))
}

/** The code it refuses that with, or `accepted`. */
export function codeAs(name: JwtKindName, changed?: Members, header?: Members): string {
  return codeOf(() => readAs(name, changed, header))
}

function without(members: Members): Members {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined))
}
