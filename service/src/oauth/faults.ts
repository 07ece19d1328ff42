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
    'The authorization request is too large: the agent may send a query of at most 4 KiB, and in it a state of at most 1 KiB.',
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
  agent_unknown: ['missing', 'This agent is not known here. Remove it, add it again, and start over.'],
  consent_not_shown: [
    'invalid',
    'This form agrees to something that its page did not show. Go back to the agent and start again.',
  ],
  consent_empty: [
    'invalid',
    'There is nothing to agree to: the agent asked for no scope that this server has.',
  ],
})
