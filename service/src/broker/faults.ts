import { faults } from '#kernel'

/**
 * What an exchange is refused with. All that concerns the presented token has one code and one sentence, so that the
 * endpoint is no oracle: which rule refused is in the audit record.
 */
export const fault = faults('broker', {
  request_malformed: [
    'invalid',
    'The exchange request is malformed. Send one subject_token with its subject_token_type, and no actor_token.',
  ],
  token_type_unsupported: [
    'invalid',
    'Only access tokens and transaction tokens are exchanged, and only for access tokens: subject_token_type is urn:ietf:params:oauth:token-type:access_token or :txn_token, requested_token_type the former.',
  ],
  client_not_allowed: [
    'denied',
    'This client may not exchange tokens. Servers with a client in the catalogue may, and agents with `exchange: true`.',
  ],
  target_unknown: [
    'missing',
    'This client may not ask for a token for that target. A server names one API, by its catalogue key in `audience` or by its `resource`, that is listed in its `calls`; an agent names one sub-agent of its `delegates`, or the mount that it was handed a token for.',
  ],
  subject_token_refused: [
    'invalid',
    'The subject_token cannot be exchanged by this client. Send the token that the client itself was called with, was handed, or hands on, while it is alive.',
  ],
  scope_invalid: [
    'invalid',
    'The requested scope is not one that the target knows, is more than the subject_token holds, or nothing can be granted.',
  ],
  scope_missing: [
    'invalid',
    'Say in `scope` what the sub-agent may do: it never gets everything by default.',
  ],
  scope_unreachable: [
    'denied',
    'No scope that the caller could hold leads to the requested scope at this target.',
  ],
  consent_required: [
    'denied',
    'The user has not agreed to this yet. Ask for the scope named here, and begin again.',
  ],
  login_required: [
    'denied',
    'The target does not know this user yet. Let them open the address in interaction_uri, and begin again.',
  ],
  step_up: [
    'denied',
    'The target asks for another sign-in of this user: one of acr_values, at most max_age seconds ago. Let them sign in again, and begin again.',
  ],
  misconfigured: [
    'internal',
    'Tetrapod is configured so that this token cannot be given. Its operator finds why in the log.',
  ],
  policy_denied: ['denied', 'The policy of this deployment does not permit this exchange.'],
})
