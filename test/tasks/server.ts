import { createServer } from 'node:http'
import type { RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'

/** A web server on the loopback address, closed after the test. */
export async function webServer (t: Test, handle: RequestListener) {
  const server = createServer(handle)
  await new Promise<void>(resolve => {
    server.listen(0, '127.0.0.1', resolve)
  })
  t.teardown(() =>
    new Promise(resolve => {
      server.close(resolve)
      server.closeAllConnections()
    })
  )
  const { port } = server.address() as AddressInfo
  return { port, url: `http://127.0.0.1:${port}`, allow: [`127.0.0.1:${port}`] }
}
