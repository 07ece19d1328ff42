import type { Commission } from '../commission.ts'

interface Account {
  readonly rate: number
  readonly deals: Readonly<Record<string, Commission['deals']>>
}

const accounts: Readonly<Record<string, Account>> = {
  alice: {
    rate: 5,
    deals: {
      '2026-09': [{ customer: 'Linden Street School', amount: 8400 }],
      '2026-10': [
        { customer: 'Northwind Bakery', amount: 12_500 },
        { customer: 'Harbour Lights Hotel', amount: 31_000 },
        { customer: 'Quayside Bicycles', amount: 4600 },
      ],
    },
  },
  bob: {
    rate: 4,
    deals: {
      '2026-09': [{ customer: 'Old Mill Brewery', amount: 15_200 }],
      '2026-10': [
        { customer: 'Alpine Dairy', amount: 22_000 },
        { customer: 'Karwendel Ski Rental', amount: 9750 },
      ],
    },
  },
}

/** The months (`YYYY-MM`) a user has statements for, oldest first; none for somebody payroll does not know. */
export function monthsOf(username: string): readonly string[] {
  return Object.keys(accountOf(username)?.deals ?? {}).sort()
}

/** The statement of a user for a month (`YYYY-MM`), if there is one. */
export function statementOf(username: string, month: string): Commission | undefined {
  const account = accountOf(username)
  const deals = account && Object.hasOwn(account.deals, month) ? account.deals[month] : undefined
  if (account === undefined || deals === undefined) return undefined
  const sold = deals.reduce((sum, { amount }) => sum + amount, 0)
  return { month, deals, rate: account.rate, commission: Math.round(sold * account.rate) / 100 }
}

function accountOf(username: string): Account | undefined {
  return Object.hasOwn(accounts, username) ? accounts[username] : undefined
}
