import { faults } from '#kernel'

export const fault = faults('account', {
  session_missing: ['unauthenticated', 'You are signed out. Open /grants, sign in, and try again.'],
  page_stale: [
    'conflict',
    'You have signed in again since you opened that page. Open /grants, and take it back there.',
  ],
  provider_unknown: [
    'missing',
    'Nobody has an account at a provider of this name here. Go back to your agent: it knows the address.',
  ],
  grant_unknown: [
    'missing',
    'There is nothing of yours under this address: it has ended already. Open /grants to see what there is.',
  ],
})
