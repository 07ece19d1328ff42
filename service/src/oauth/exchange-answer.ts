import { formatScope, TOKEN_TYPE_ACCESS_TOKEN } from '@tetrapod/protocol'
import { brokerFault, type ExchangeAnswer, type Hindrance } from '#broker'

export type Answer = readonly [status: number, body: object]

/**
 * The one public answer of each outcome (RFC 8693 §2.2): a token, or a 400 that says what the user has to do first. A failure is
 * thrown, to be answered as everything that goes wrong at this endpoint.
 */
export function exchangeAnswer(answer: ExchangeAnswer): Answer {
  if ('fault' in answer) throw answer.fault
  if (answer.outcome !== 'issued') return [400, hindrance(answer)]
  const issued = {
    access_token: answer.token,
    issued_token_type: TOKEN_TYPE_ACCESS_TOKEN,
    token_type: 'Bearer',
    expires_in: answer.expiresIn,
    scope: formatScope(answer.scopes),
    txn_token: answer.transactionToken,
  }
  return [200, issued]
}

function hindrance(answer: Hindrance): object {
  const error_description = brokerFault[answer.outcome]().message
  if (answer.outcome === 'login_required') {
    return { error: 'interaction_required', error_description, interaction_uri: answer.interactionUri }
  }
  if (answer.outcome === 'consent_required') {
    return { error: 'consent_required', error_description, scope: formatScope(answer.scopes) }
  }
  const { acrValues, maxAgeSeconds } = answer.authentication
  const asked = { acr_values: acrValues?.join(' '), max_age: maxAgeSeconds }
  return { error: 'insufficient_user_authentication', error_description, ...asked }
}
