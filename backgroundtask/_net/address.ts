import { BlockList, isIP } from 'node:net'

/** The kind of an address. Without permission, tasks connect to `public` ones only. */
type Reach = 'public' | 'private' | 'loopback' | 'unspecified' | 'link_local' | 'metadata' | 'multicast' | 'reserved'

// Source: the special-purpose address registries of IANA, and the metadata addresses of cloud hosts.
const RANGES: [Reach, string[]][] = [
  ['metadata', ['169.254.169.254/32', '169.254.170.2/32', '100.100.100.200/32', '192.0.0.192/32', 'fd00:ec2::254/128',
    'fd20:ce::254/128']],
  ['unspecified', ['0.0.0.0/8', '::/128']],
  ['loopback', ['127.0.0.0/8', '::1/128']],
  ['link_local', ['169.254.0.0/16', 'fe80::/10']],
  ['multicast', ['224.0.0.0/4', 'ff00::/8']],
  ['private', ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', 'fc00::/7']],
  ['reserved', [
    '192.0.0.0/24',
    '192.0.2.0/24',
    '192.88.99.0/24',
    '198.18.0.0/15',
    '198.51.100.0/24',
    '203.0.113.0/24',
    '240.0.0.0/4',
    '::/96',
    '64:ff9b:1::/48',
    '100::/64',
    '2001::/23',
    '2001:db8::/32',
    '2002::/16',
    '3fff::/20',
    '5f00::/16',
    'fec0::/10'
  ]]
]

const familyOf = (address: string) => isIP(address) === 6 ? 'ipv6' : 'ipv4'

function listOf (ranges: string[]): BlockList {
  const list = new BlockList()
  for (const range of ranges) {
    const [address = '', bits] = range.split('/')
    list.addSubnet(address, Number(bits ?? (isIP(address) === 6 ? 128 : 32)), familyOf(address))
  }
  return list
}

const LISTS = RANGES.map(([reach, ranges]) => [reach, listOf(ranges)] as const)

const numbers = (groups: string) => groups === '' ? [] : groups.split(':').map(group => Number.parseInt(group, 16))

/** The eight groups of an IPv6 address. */
function groupsOf (address: string): number[] {
  const canonical = new URL(`http://[${address.split('%')[0]}]`).hostname.slice(1, -1)
  const [head = '', tail] = canonical.split('::')
  const before = numbers(head)
  if (tail === undefined) return before
  const after = numbers(tail)
  return [...before, ...Array.from({ length: 8 - before.length - after.length }, () => 0), ...after]
}

/** The IPv4 address of a mapped or NAT64 IPv6 address, else the address itself. */
function inner (address: string): string {
  if (isIP(address) !== 6) return address
  const groups = groupsOf(address)
  const mapped = groups.slice(0, 5).every(group => group === 0) && groups[5] === 0xffff
  const translated = groups[0] === 0x64 && groups[1] === 0xff9b && groups.slice(2, 6).every(group => group === 0)
  if (!mapped && !translated) return address.split('%')[0]!
  return groups.slice(6).flatMap(group => [group >> 8, group & 255]).join('.')
}

/** The kind of an IP address; `reserved` for text that is not an address. */
export function reachOf (address: string): Reach {
  if (isIP(address) === 0) return 'reserved'
  const plain = inner(address)
  return LISTS.find(([, list]) => list.check(plain, familyOf(plain)))?.[0] ?? 'public'
}

/** Addresses that are allowed beyond the public ones. `allow`: names, addresses and networks (`10.1.0.0/16`), with or
 *  without `:port`. `allow_private`: private networks, but not loopback, link-local or metadata addresses. */
export interface Allowed {
  allow: string[]
  allow_private: boolean
}

function entryOf (entry: string): { host: string, port: string | null } {
  const [, host, port] = entry.match(/^(\[[^\]]+\]|[^:]+)(?::(\d+))?$/) ?? []
  return { host: (host ?? entry).replace(/^\[|\]$/g, '').toLowerCase(), port: port ?? null }
}

function inNetwork (network: string, address: string): boolean {
  if (isIP(network.split('/')[0]!) === 0) return false
  return listOf([network]).check(address, familyOf(address))
}

/** The reason why a request to this name and address is refused, or null. */
export function refusal (
  { host, port, address, allowed }: { host: string, port: string, address: string, allowed: Allowed }
): string | null {
  const reach = reachOf(address)
  if (reach === 'public' || (reach === 'private' && allowed.allow_private)) return null
  const plain = inner(address)
  const listed = allowed.allow.map(entryOf).some(entry =>
    (entry.port === null || entry.port === port) && (entry.host === host.toLowerCase() || inNetwork(entry.host, plain))
  )
  return listed ? null : `${host} is ${address === host ? '' : `${address}, `}a ${reach.replace('_', '-')} address`
}
