import { faults } from '#kernel'

export const fault = faults('agents', {
  redirect_uri_refused: [
    'invalid',
    'A redirect URI cannot be used: it is https, http on this machine, or of a scheme of the app itself.',
  ],
  metadata_refused: ['invalid', 'What the agent says of itself (RFC 7591 §2) cannot be used.'],
  registrations_full: [
    'limited',
    'There are more registrations than are kept. Try again in an hour, or ask the operator to list this agent.',
  ],
  unknown: ['missing', 'There is no agent of this id. `tetrapod agents list` names them.'],
  disabled: [
    'denied',
    'An operator has stopped this agent here: nothing can be permitted to it. Ask the people who run this Tetrapod.',
  ],
  host_not_listed: [
    'denied',
    'This agent names itself at a host that this deployment does not accept, and it was not asked who it is. An operator accepts the host under `registration.metadataDocuments`.',
  ],
  document_id_malformed: [
    'invalid',
    'A client id that is an address is https, has a path, and is written in the one canonical way, without a query, a fragment, a user name or dot segments.',
  ],
  document_unreachable: [
    'unavailable',
    'The document in which this agent says who it is cannot be fetched right now. Try again shortly.',
  ],
  document_refused: [
    'invalid',
    'The document in which this agent says who it is cannot be used. Tell the people who make the agent.',
  ],
})
