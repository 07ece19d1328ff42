import { faults } from '#kernel'

export const fault = faults('tokens', {
  rotation_pending: [
    'conflict',
    'The next signing key is published already and will sign at its time: `tetrapod keys status` says when. To let it sign at once, say `tetrapod keys rotate --now`.',
  ],
  key_unknown: [
    'missing',
    'No signing key of this id is in use. `tetrapod keys status` lists those that are.',
  ],
})
