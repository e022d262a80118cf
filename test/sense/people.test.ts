import t from 'tap'
import { chmodSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { DESKTOP, machine } from './machine.ts'
import type { Tree } from './machine.ts'

const SESSION = 'UID=1000\nUSER=ada\nACTIVE=1\nSTATE=active\nTYPE=wayland\nCLASS=user\n'

/** A PATH that holds nothing but programs of these names, none of which is ever started. */
function programs (t: Test, ...names: string[]) {
  const folder = mkdtempSync(join(tmpdir(), 'offpeak-sense-'))
  for (const name of names) {
    writeFileSync(join(folder, name), '')
    chmodSync(join(folder, name), 0o700)
  }
  const before = process.env.PATH
  process.env.PATH = folder
  t.teardown(() => {
    process.env.PATH = before
    rmSync(folder, { recursive: true })
  })
}

function house (t: Test, { tree = {}, output = '' }: { tree?: Tree, output?: string } = {}) {
  const recorded = { output, asked: [] as string[] }
  const exec = async ({ argv }: { argv: readonly string[] }) => {
    recorded.asked.push(argv.join(' '))
    return { code: 0, output: recorded.output }
  }
  const base = machine(t, {
    tree: { ...DESKTOP, ...tree },
    exec,
    config: { scheduling: { idle_check_interval: '10s' } }
  })
  const touch = (path: string, secondsAgo: number, kind: 'read' | 'changed' = 'read') => {
    const at = base.clock.now() / 1000 - secondsAgo
    const old = base.clock.now() / 1000 - 1_000_000
    utimesSync(join(base.root, path), kind === 'read' ? at : old, kind === 'read' ? old : at)
  }
  return { ...base, recorded, touch }
}

const TERMINALS: Tree = {
  'dev/pts/0': '',
  'dev/pts/7': '',
  'dev/pts/ptmx': '',
  'dev/tty1': '',
  'dev/tty': '',
  'dev/input/event0': ''
}

t.test('the latest input on any terminal counts', async t => {
  programs(t)
  const { senses, touch, later } = house(t, { tree: TERMINALS })
  for (const path of Object.keys(TERMINALS)) touch(path, 900)
  touch('dev/pts/7', 120)
  touch('dev/tty', 1)
  touch('dev/pts/ptmx', 1)
  t.equal((await senses.sample()).idle_seconds, 120)
  touch('dev/tty1', 30)
  t.equal((await later({}, 10_000)).idle_seconds, 40)
  touch('dev/input/event0', 5, 'changed')
  t.equal((await later({}, 10_000)).idle_seconds, 15)
})

t.test('terminals are read every idle_check_interval, and idle time grows in between', async t => {
  programs(t)
  const { senses, touch, later, configure } = house(t, { tree: TERMINALS })
  configure({})
  for (const path of Object.keys(TERMINALS)) touch(path, 900)
  t.equal((await senses.sample()).idle_seconds, 900)
  touch('dev/pts/7', 0)
  t.equal((await later({}, 50_000)).idle_seconds, 950, 'not before a minute has passed')
  t.equal((await later({}, 10_000)).idle_seconds, 60)
  configure({ scheduling: { idle_check_interval: '5m' } })
  touch('dev/pts/7', 0)
  t.equal((await later({}, 240_000)).idle_seconds, 300, 'a change of the setting counts at once')
  t.equal((await later({}, 60_000)).idle_seconds, 300)
})

t.test('an input in the future is ignored', async t => {
  programs(t)
  const { senses, touch } = house(t, { tree: TERMINALS })
  for (const path of Object.keys(TERMINALS)) touch(path, 900)
  touch('dev/tty1', -10 * 365 * 86_400)
  t.equal((await senses.sample()).idle_seconds, 900)
})

t.test('a user at a screen is not idle, regardless of terminals', async t => {
  programs(t, 'loginctl')
  const { senses, touch, later, recorded } = house(t, {
    tree: {
      ...TERMINALS,
      'run/systemd/sessions/c2': SESSION,
      'run/systemd/sessions/c2.ref': '',
      'run/systemd/sessions/3': SESSION.replace('wayland', 'tty')
    }
  })
  for (const path of Object.keys(TERMINALS)) touch(path, 9000)
  recorded.output = 'IdleHint=no\nIdleSinceHint=0\n'
  t.equal((await senses.sample()).idle_seconds, 0)
  t.strictSame(recorded.asked, ['loginctl show-session c2 --property=IdleHint --property=IdleSinceHint'])
  await later({}, 30_000)
  t.equal(recorded.asked.length, 1, 'no more than one program a minute')
  recorded.output = `IdleHint=yes\nIdleSinceHint=${(senses.latest.at - 270_000) * 1000}\n`
  t.equal((await later({}, 30_000)).idle_seconds, 300)
  recorded.output = 'nothing of use'
  t.equal((await later({}, 60_000)).idle_seconds, 'unknown', 'a screen that does not tell leaves it open')
})

t.test('without logind a screen makes idle time unknown, unless a terminal has input', async t => {
  programs(t)
  const { senses, touch, later } = house(t, { tree: { ...TERMINALS, 'run/systemd/sessions/c2': SESSION } })
  for (const path of Object.keys(TERMINALS)) touch(path, 9000)
  t.equal((await senses.sample()).idle_seconds, 'unknown')
  touch('dev/pts/0', 3)
  t.equal((await later({}, 10_000)).idle_seconds, 13)
})

const ROUTE = (flags: string, name = 'eth0') =>
  'Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\n' +
  `${name}\t00000000\t0100A8C0\t${flags}\t0\t0\t0\t00000000\t0\n` +
  `${name}\t0000A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\n`
const SIX = (name: string, flags: string) =>
  `${'0'.repeat(32)} 00 ${'0'.repeat(32)} 00 fe800000000000000000000000000001 00000400 00000001 00000000 ${flags} ${
    name.padStart(8)
  }\n`

const WAYS: [string, Tree, object][] = [
  ['a cable that is up leads out', {}, { online: true, metered: false }],
  ['a cable that was pulled out does not', { 'sys/class/net/eth0/operstate': 'down\n' }, {
    online: false,
    metered: 'unknown'
  }],
  ['without a default route there is no way out', {
    'proc/net/route': ROUTE('0003').split('\n').filter((_, index) => index !== 1).join('\n')
  }, { online: false }],
  ['a route that is not up leads nowhere', { 'proc/net/route': ROUTE('0000') }, { online: false }],
  ['IPv6 alone leads out', { 'proc/net/route': ROUTE('0000'), 'proc/net/ipv6_route': SIX('eth0', '00450003') }, {
    online: true
  }],
  ['a rejecting route of IPv6 does not', {
    'proc/net/route': ROUTE('0000'),
    'proc/net/ipv6_route': SIX('lo', '00200200')
  }, { online: false }],
  ['a modem is metered', { 'proc/net/route': ROUTE('0001', 'wwan0') }, { online: true, metered: true }],
  ['of a radio nobody knows', {
    'proc/net/route': ROUTE('0003', 'wlan0'),
    'sys/class/net/wlan0/type': '1\n',
    'sys/class/net/wlan0/wireless/x': ''
  }, { online: true, metered: 'unknown' }]
]

t.test('the default route decides whether the machine is online', async t => {
  programs(t, 'busctl', 'nmcli')
  for (const [what, tree, expected] of WAYS) {
    await t.test(what, async t => {
      const { senses, recorded } = house(t, { tree })
      t.match((await senses.sample()).network, expected)
      t.strictSame(recorded.asked, [], 'and no program was asked')
    })
  }
})

t.test('NetworkManager reports metered connections and captive portals', async t => {
  programs(t, 'busctl')
  const { senses, recorded, later } = house(t, { tree: { 'run/NetworkManager/x': '' }, output: 'u 3\nu 4\n' })
  t.match((await senses.sample()).network, { online: true, metered: true })
  t.match(recorded.asked, [/^busctl --auto-start=no get-property org\.freedesktop\.NetworkManager/])
  recorded.output = 'u 4\nu 2\n'
  t.match((await later({})).network, { online: true, metered: true }, 'asked once a minute')
  t.match((await later({}, 60_000)).network, { online: false, metered: false })
})

t.test('nmcli is used without busctl, and the configuration overrides both', async t => {
  programs(t, 'nmcli')
  const { senses, configure, later } = house(t, {
    tree: { 'run/NetworkManager/x': '' },
    output: 'yes (guessed)\nunknown\n'
  })
  t.equal((await senses.sample()).network.metered, true)
  configure({ sense: { metered: 'no' } })
  t.equal((await later({})).network.metered, false)
})
