export {
  type AccessToken,
  type Delegation,
  type Expected,
  type Lineage,
  parseAccessToken,
  type SubjectId,
  type VerifiedHeader,
} from './access-token.ts'
export { type AuthorizationResponse, parseAuthorizationResponse } from './authorization-response.ts'
export {
  type Act,
  type Actor,
  type ActorId,
  ACTORS_MAX,
  appendActor,
  type Chain,
  currentActor,
  formatAct,
  innermostActor,
  parseAct,
  sameActor,
} from './chain.ts'
export { bearerToken, type Challenge, formatChallenge } from './challenge.ts'
export { type ClientAssertion, parseClientAssertion } from './client-assertion.ts'
export {
  type AttestationProof,
  type ClientAttestation,
  parseAttestationProof,
  parseClientAttestation,
} from './client-attestation.ts'
export { type Clock, nowSeconds, systemClock } from './clock.ts'
export { type DpopProof, type DpopRequest, parseDpopKey, parseDpopProof } from './dpop-proof.ts'
export { type IdJag, parseIdJag } from './id-jag.ts'
export { type IdToken, parseIdToken } from './id-token.ts'
export { type IntrospectionResponse, parseIntrospectionResponse } from './introspection-response.ts'
export { isLoopback } from './is-loopback.ts'
export { isObject } from './is-object.ts'
export { type JwtGrant, parseJwtGrant } from './jwt-grant.ts'
export { type LogoutToken, parseLogoutToken } from './logout-token.ts'
export {
  ACCESS_TOKEN_SECONDS,
  ASSERTION_SECONDS_MAX,
  ASSERTION_TYPE_JWT,
  CLOCK_SKEW_SECONDS,
  GATEWAY,
  GRANT_TOKEN_EXCHANGE,
  HEADER_TRANSACTION_TOKEN,
  JWKS_SECONDS,
  META_STEP_UP,
  SIGNING_ALGORITHM,
  SIGNING_ALGORITHMS,
  type SigningAlgorithm,
  TOKEN_BYTES_MAX,
  TOKEN_TYPE_ACCESS_TOKEN,
  TOKEN_TYPE_TRANSACTION_TOKEN,
  TRANSACTION_TOKEN_SECONDS,
  TYP_ACCESS_TOKEN,
  TYP_CLIENT_ASSERTION,
  TYP_TRANSACTION_TOKEN,
} from './names.ts'
export type { PublicJwk } from './public-jwk.ts'
export { type BearerChallenge, readChallenge, scopesWanted } from './read-challenge.ts'
export { Refusal, type RefusalCode } from './refusal.ts'
export { parseRequestObject, type RequestObject } from './request-object.ts'
export {
  edgeId,
  type Endable,
  endsToken,
  FEED_STALE_MS,
  ISSUED_BEFORE_MARGIN_MS,
  REPLICA_SKEW_MS,
  type Revocable,
  revocablesOf,
  type RevocationKind,
} from './revocables.ts'
export {
  parseRevocationPage,
  type RevocationEntry,
  revocationFeedUrl,
  type RevocationPage,
} from './revocation-page.ts'
export {
  backThroughCalls,
  formatScope,
  isScopeToken,
  parseScope,
  type ScopeEdges,
  type Scopes,
  throughCalls,
} from './scopes.ts'
export { parseSecurityEvent, type SecurityEvent } from './security-event.ts'
export { parseSoftwareStatement } from './software-statement.ts'
export { type StepUp, stepUpMeta, stepUpOf } from './step-up.ts'
export { parseStrictJson } from './strict-json.ts'
export { checkTimes } from './times.ts'
export {
  checkBeside,
  parseTransactionToken,
  type TransactionExpected,
  type TransactionToken,
  trustDomainOf,
} from './transaction-token.ts'
export { authorizationServerMetadataUrl, protectedResourceMetadataUrl } from './well-known.ts'
