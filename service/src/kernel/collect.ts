/** Reads a whole body. Throws what `tooLarge` makes as soon as there are more than `bytesMax` bytes. */
export async function collect(
  chunks: AsyncIterable<Uint8Array>,
  bytesMax: number,
  tooLarge: () => Error,
): Promise<Buffer> {
  const parts: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of chunks) {
    bytes += chunk.length
    if (bytes > bytesMax) throw tooLarge()
    parts.push(chunk)
  }
  return Buffer.concat(parts)
}
