import { faults } from '#kernel'

export const fault = faults('grants', {
  unknown: [
    'missing',
    'There is no such grant, or it is revoked already. `tetrapod grants list` shows those there are.',
  ],
  signed_out: ['unauthenticated', 'You signed out meanwhile. Go back to the agent and start again.'],
  changed_meanwhile: [
    'conflict',
    'This permission was changed at the same moment elsewhere. Start again from the agent.',
  ],
})
