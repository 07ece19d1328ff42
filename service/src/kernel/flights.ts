/** Runs the work for a key once for all who ask while it runs. Nothing is remembered afterwards, a failure neither. */
export type Flights<Value> = (key: string, work: () => Promise<Value>) => Promise<Value>

export function createFlights<Value>(): Flights<Value> {
  const flying = new Map<string, Promise<Value>>()
  return (key, work) => {
    const joined = flying.get(key)
    if (joined !== undefined) return joined
    const flight = work().finally(() => flying.delete(key))
    flying.set(key, flight)
    return flight
  }
}
