/** RFC 8693 §2.1. */
export const GRANT_TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'
/** RFC 8693 §3: a token that a resource of this authorization server accepts. */
export const TOKEN_TYPE_ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token'
/** A transaction token (draft-ietf-oauth-transaction-tokens). */
export const TOKEN_TYPE_TRANSACTION_TOKEN = 'urn:ietf:params:oauth:token-type:txn_token'
/** RFC 7523 §2.2. */
export const ASSERTION_TYPE_JWT = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
/** RFC 9068 §2.1: the `typ` of a JWT access token. */
export const TYP_ACCESS_TOKEN = 'at+jwt'
/** The `typ` of a transaction token. */
export const TYP_TRANSACTION_TOKEN = 'txntoken+jwt'
/** The request header that a transaction token travels in, exactly once, as Node writes header names. */
export const HEADER_TRANSACTION_TOKEN = 'txn-token'
/** RFC 7523bis: the `typ` of a client assertion. */
export const TYP_CLIENT_ASSERTION = 'client-authentication+jwt'
/** draft-ietf-oauth-identity-assertion-authz-grant §3.1. */
export const TYP_ID_JAG = 'oauth-id-jag+jwt'
/** RFC 9449 §4.2. */
export const TYP_DPOP = 'dpop+jwt'
/** RFC 9701 §5. */
export const TYP_INTROSPECTION = 'token-introspection+jwt'
/** RFC 8417 §2.3. */
export const TYP_SECURITY_EVENT = 'secevent+jwt'
/** OpenID Connect Back-Channel Logout 1.0 §2.4. */
export const TYP_LOGOUT = 'logout+jwt'
/** draft-ietf-oauth-attestation-based-client-auth §5.1. */
export const TYP_ATTESTATION = 'oauth-client-attestation+jwt'
/** The same draft, §5.2. */
export const TYP_ATTESTATION_POP = 'oauth-client-attestation-pop+jwt'
/** RFC 9101 §10.8. */
export const TYP_REQUEST_OBJECT = 'oauth-authz-req+jwt'
/** What clients sign their assertions with, and we our tokens unless told otherwise (RFC 7518 §3.4). */
export const SIGNING_ALGORITHM = 'ES256' as const
/** What a token of ours may be signed with, and nothing else (RFC 7518 §3.4, RFC 9864 §2.2). */
export const SIGNING_ALGORITHMS = [SIGNING_ALGORITHM, 'Ed25519'] as const
export type SigningAlgorithm = (typeof SIGNING_ALGORITHMS)[number]
/** How long who fetched our public keys may go on with them before they fetch them again, in seconds. */
export const JWKS_SECONDS = 300

/** The member of a tool result's `_meta` by which a server asks for scopes that its caller lacks. */
export const META_STEP_UP = 'tetrapod/step-up'

/** The gateway's own client id: no agent, server or API may have it. */
export const GATEWAY = 'gateway'

/** Accepted difference between two clocks, in seconds. */
export const CLOCK_SKEW_SECONDS = 60
/** Lifetime of every token we issue, at most, in seconds. */
export const ACCESS_TOKEN_SECONDS = 300
/** Lifetime of a transaction token, at most, in seconds. */
export const TRANSACTION_TOKEN_SECONDS = 60
/** A client assertion may expire at most this far ahead, in seconds. */
export const ASSERTION_SECONDS_MAX = 300
/** The grant of another authorization server (an ID-JAG among them) may expire at most this far ahead, in seconds. */
export const JWT_GRANT_SECONDS_MAX = 300
/** A proof of possession counts so long before and after its `iat`, in seconds. */
export const DPOP_SECONDS = 60
/** The same where the proof carries a nonce or a challenge of ours: the prover's clock may be wrong. */
export const DPOP_NONCE_SECONDS = 300
/** An introspection response says how things are for so long, in seconds. */
export const INTROSPECTION_SECONDS = 30
/** A logout token may expire at most this far ahead, in seconds (it should be two minutes; providers take more). */
export const LOGOUT_TOKEN_SECONDS_MAX = 300
/** A signed authorization response may expire at most this far ahead, in seconds (JARM §2.1). */
export const AUTHORIZATION_RESPONSE_SECONDS_MAX = 600
/** An access token longer than this is refused unread. */
export const TOKEN_BYTES_MAX = 8192
