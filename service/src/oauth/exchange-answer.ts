import { formatScope, TOKEN_TYPE_ACCESS_TOKEN } from '@tetrapod/protocol'
import { brokerFault, type ExchangeAnswer } from '#broker'

export type Answer = readonly [status: number, body: object]

/**
 * The one public answer of each outcome (RFC 8693 §2.2). What has to be done first is a 400 that says so; a failure is thrown, as
 * everything that this endpoint answers with its code.
 */
export function exchangeAnswer(answer: ExchangeAnswer): Answer {
  switch (answer.outcome) {
    case 'issued':
      return [
        200,
        {
          access_token: answer.token,
          issued_token_type: TOKEN_TYPE_ACCESS_TOKEN,
          token_type: 'Bearer',
          expires_in: answer.expiresIn,
          scope: formatScope(answer.scopes),
          txn_token: answer.transactionToken,
        },
      ]
    case 'login_required':
      return first(answer.outcome, 'interaction_required', { interaction_uri: answer.interactionUri })
    case 'consent_required':
      return first(answer.outcome, 'consent_required', { scope: formatScope(answer.scopes) })
    case 'step_up': {
      const { acrValues, maxAgeSeconds } = answer.authentication
      const asked = { acr_values: acrValues?.join(' '), max_age: maxAgeSeconds }
      return first(answer.outcome, 'insufficient_user_authentication', asked)
    }
    case 'denied':
    case 'misconfigured':
    case 'unavailable':
      throw answer.fault
  }
}

function first(
  outcome: 'login_required' | 'consent_required' | 'step_up',
  error: string,
  what: object,
): Answer {
  return [400, { error, error_description: brokerFault[outcome]().message, ...what }]
}
