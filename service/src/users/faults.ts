import { faults } from '#kernel'

export const fault = faults('users', {
  busy: ['limited', 'Too many people are signing in at this moment. Wait a few seconds, then try again.'],
  unknown: ['missing', 'There is no such user. `tetrapod users list` shows those there are.'],
  too_many_tries: [
    'limited',
    'There were too many wrong passwords for this user name. Wait up to a minute, then try again.',
  ],
})
