import { faults } from '#kernel'

export const fault = faults('oauth', {
  form_malformed: [
    'invalid',
    'The request body is malformed: send a form of at most 64 KiB in which no parameter but resource and audience is repeated.',
  ],
  client_unauthenticated: [
    'unauthenticated',
    'The client could not be authenticated. Send a fresh client_assertion whose only audience is the issuer, or the client_secret.',
  ],
  token_missing: ['invalid', 'Send the token itself, in the parameter `token`.'],
  token_of_another: [
    'invalid',
    'The token was issued to another client. A client takes back its own tokens; who let an agent act takes that back at /grants.',
  ],
  feed_request_malformed: [
    'invalid',
    'Ask for the feed by GET, with `after` (the sequence you know of; 0 at first) and `wait` (0 to 25 seconds) in the query, each at most once.',
  ],
  feed_not_for_agents: [
    'denied',
    'The revocation feed is for the servers and APIs of the catalogue. An agent learns of a revocation by the refusal of its token.',
  ],
  interaction_expired: [
    'missing',
    'This sign-in has expired or was finished already. Go back to the agent and start again.',
  ],
  request_too_large: [
    'invalid',
    'The authorization request is too large: the agent may send parameters of at most 4 KiB, and among them a state of at most 1 KiB.',
  ],
  pushed_malformed: [
    'invalid',
    'Push the parameters of the authorization request in a form, with nothing in the query and no request_uri among them.',
  ],
  busy: [
    'limited',
    'Too many people are coming in at this moment. Wait a few seconds, then reload this page.',
  ],
  sign_out_stale: [
    'conflict',
    'You have signed in again since you opened that page. Open /grants, and sign out there.',
  ],
  session_missing: ['unauthenticated', 'You are signed out. Go back to the agent and start again.'],
  key_set_unreachable: [
    'unavailable',
    'The keys of this agent cannot be fetched right now. Publish a key set at its `jwks_uri`, and try again in a minute.',
  ],
  registering_too_fast: [
    'limited',
    'Too many agents are registering at this moment. Wait as long as Retry-After says, then try again.',
  ],
  registration_malformed: [
    'invalid',
    'The registration is malformed: send one JSON object of at most 16 KiB, in which no member is named twice.',
  ],
  statement_invalid: [
    'invalid',
    'The software statement does not hold: it is a JWT, signed by its issuer with a key that it publishes, not expired, and for this authorization server if it names an audience.',
  ],
  statement_unapproved: [
    'invalid',
    'The software statement comes from somebody whose statements do not count here. An operator accepts an issuer under `registration.statements`.',
  ],
  statement_required: [
    'denied',
    'Agents register here with a software statement of an issuer that the operator accepts, and without one not at all.',
  ],
  agent_unknown: ['missing', 'This agent is not known here. Remove it, add it again, and start over.'],
  login_ended: [
    'denied',
    'This login is over: it was ended, or the permission of the agent was revoked, ran out or no longer covers it. Log in again.',
  ],
  user_gone: [
    'denied',
    'The user of this login is not known here any more. Stop using it; an operator can add the user again.',
  ],
  refresh_token_expired: ['denied', 'The refresh token was not used for 14 days. Log in again.'],
  refresh_token_reused: [
    'denied',
    'The refresh token was used before, and not just now: somebody else may hold it, so the login was ended. Keep the newest one of every answer, and log in again.',
  ],
  // One sentence for both: what another client holds is not said.
  refresh_token_unknown: ['denied', 'This client has no such refresh token. Log in again.'],
  refresh_token_of_another: ['denied', 'This client has no such refresh token. Log in again.'],
  consent_not_shown: [
    'invalid',
    'This form agrees to something that its page did not show. Go back to the agent and start again.',
  ],
  consent_empty: [
    'invalid',
    'There is nothing to agree to: the agent asked for no scope that this server has. Go back to the agent and begin again without naming scopes, or tell the people who run it.',
  ],
})
