export type { VerifiedAuth } from './admission.ts'
export { type ApiFetch, type ApiRequest, scopesWanted } from './api-fetch.ts'
export { type Caller, callerOf } from './caller.ts'
export type { Client } from './client.ts'
export { type ClientKey, generateClientKey, importClientKey } from './client-key.ts'
export { clientKeyFile } from './client-key-file.ts'
export {
  ExchangeRefused,
  ExchangeUnavailable,
  InsufficientScope,
  KeysUnavailable,
  type TokenError,
} from './errors.ts'
export type { RequestHeaders } from './exchange.ts'
export type { Io } from './io.ts'
export type { GuardedHandler, GuardedRequest, Handler, Middleware } from './serve-node.ts'
export type { FetchHandler, GuardedFetch } from './serve-web.ts'
export { protect, type Protection } from './protect.ts'
export type { ProtectOptions } from './protect-options.ts'
export type { Credential, StaticCredential } from './presented.ts'
export { remoteKeys } from './remote-keys.ts'
export { stepUp, type StepUpResult } from './step-up.ts'
export { type Clock, Refusal } from '@tetrapod/protocol'
export { createVerifier, type KeyLookup, type VerificationKey, type Verifier } from './verifier.ts'
