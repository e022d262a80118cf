import t from 'tap'
import { mkdirSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { DESKTOP, machine } from './machine.ts'

const DEV = (bytes: number) => `Inter-|\n face |bytes\n  eth0: ${bytes} 1 0 0 0 0 0 0 0 1 0 0 0 0 0 0\n`
const IO = (read: number, written: number) =>
  `rchar: ${read}\nwchar: ${written}\nread_bytes: 0\nwrite_bytes: 0\ncancelled_write_bytes: 0\n`
const HEAD = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n'
const line = (remote: string, inode: number, state = '01') =>
  `   0: 0100A8C0:A1B2 ${remote} ${state} 00000000:00000000 00:00000000 00000000  1000        0 ` +
  `${inode} 1 0 20 4 30 10 -1\n`
const FAR = '08080808:01BB'

/** A machine on which a child of ours holds a socket with the inode 500. */
async function setup (t: Parameters<typeof machine>[0], connections: string, six = '') {
  const tree = {
    ...DESKTOP,
    'proc/net/dev': DEV(0),
    'proc/net/tcp': HEAD + connections,
    'proc/net/tcp6': HEAD + six,
    'proc/self/io': IO(0, 0),
    'proc/self/task/1/comm': 'node\n',
    'proc/self/task/1/children': '77',
    'proc/77/io': IO(0, 0)
  }
  const made = machine(t, { tree })
  for (const [path, target] of [['proc/77/fd/3', 'socket:[500]'], ['proc/77/fd/1', '/dev/null'], ['proc/self/fd/4',
    'socket:[900]']] as const) {
    mkdirSync(dirname(join(made.root, path)), { recursive: true })
    symlinkSync(target, join(made.root, path))
  }
  await made.senses.sample()
  await made.later({ 'proc/net/dev': DEV(5000) })
  const after = async (moved: number, child: string, own = IO(0, 0)) =>
    (await made.later({ 'proc/net/dev': DEV(5000 + moved), 'proc/77/io': child, 'proc/self/io': own })).network
  return { after }
}

t.test('the bytes of a child with a connection to another machine count as network', async t => {
  const { after } = await setup(t, line(FAR, 500))
  t.match(await after(50_000, IO(40_000, 39_000)), { bytes_per_s: 10_000, own_bytes_per_s: 8000 })
})

t.test('the share of offpeak is limited to the bytes of the interfaces', async t => {
  const { after } = await setup(t, line(FAR, 500))
  t.match(await after(50_000, IO(900_000, 900_000)), { bytes_per_s: 10_000, own_bytes_per_s: 10_000 })
})

const APART: [string, string, string?][] = [
  ['the connection of somebody else', line(FAR, 501)],
  ['a connection that is over', line(FAR, 500, '06')],
  ['one to this machine', line('0100007F:0016', 500)],
  ['one to this machine over IPv6', '',
    line('00000000000000000000000001000000:0016', 500) + line('0000000000000000FFFF00000100007F:0016', 500)],
  ['none', '']
]

for (const [what, four, six = ''] of APART) {
  t.test(`bytes that a child reads from disks do not count as network: ${what}`, async t => {
    const { after } = await setup(t, four, six)
    t.match(await after(50_000, IO(900_000, 900_000)), { bytes_per_s: 10_000, own_bytes_per_s: 0 })
  })
}

t.test('IPv6 connections and those of this process count', async t => {
  const { after } = await setup(t, '', line('B80D0120000000000000000001000000:01BB', 900))
  t.match(await after(50_000, IO(900_000, 0), IO(0, 20_000)), { bytes_per_s: 10_000, own_bytes_per_s: 4000 })
})
