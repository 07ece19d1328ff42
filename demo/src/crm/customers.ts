export interface Customer {
  readonly id: string
  readonly name: string
  readonly town: string
  readonly contact: string
}

/** Whose customers these are: by the name under which the identity provider knows the user. */
const customers: Readonly<Record<string, readonly Customer[]>> = {
  alice: [
    { id: 'c-101', name: 'Northwind Bakery', town: 'Utrecht', contact: 'Femke de Vries' },
    { id: 'c-102', name: 'Harbour Lights Hotel', town: 'Rotterdam', contact: 'Joost Bakker' },
    { id: 'c-103', name: 'Linden Street School', town: 'Utrecht', contact: 'Sara Jansen' },
    { id: 'c-104', name: 'Quayside Bicycles', town: 'Amsterdam', contact: 'Tim Visser' },
  ],
  bob: [
    { id: 'c-201', name: 'Alpine Dairy', town: 'Innsbruck', contact: 'Lena Gruber' },
    { id: 'c-202', name: 'Karwendel Ski Rental', town: 'Mittenwald', contact: 'Max Huber' },
    { id: 'c-203', name: 'Old Mill Brewery', town: 'Innsbruck', contact: 'Eva Steiner' },
  ],
}

/** The user's customers whose name or town holds `query`, or undefined for somebody who keeps no customers here. */
export function findCustomers(username: string, query: string): readonly Customer[] | undefined {
  const own = Object.hasOwn(customers, username) ? customers[username] : undefined
  const wanted = query.toLowerCase()
  return own?.filter(({ name, town }) => `${name} ${town}`.toLowerCase().includes(wanted))
}
