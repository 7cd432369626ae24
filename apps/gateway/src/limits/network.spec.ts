import { networkOf } from './network';

describe('networkOf', () => {
  it.each<[what: string, one: string, other: string]>([
    ['two addresses of one IPv6 /64', '2001:db8:1:2:3::1', '2001:db8:1:2:ffff::9'],
    ['an IPv6 address in capitals and in full', '2001:db8:0:1::1', '2001:0DB8:0000:0001:0000:0000:0000:0001'],
    ['an IPv4 address and its IPv6 form', '192.0.2.1', '::ffff:192.0.2.1'],
    ['an IPv4 address and its IPv6 form in hexadecimal', '192.0.2.1', '0:0:0:0:0:ffff:c000:201'],
    ['an IPv4 address behind two ports', '192.0.2.1:4711', '192.0.2.1:4712'],
    ['an IPv4 address with a port and without', '192.0.2.1:4711', '192.0.2.1'],
    ['an IPv6 address behind two ports', '[2001:db8::1]:4711', '[2001:db8::1]:4712'],
    ['an IPv6 address with brackets and without', '[2001:db8::1]', '2001:db8::1'],
    ['a link-local address by two interfaces', 'fe80::1%eth0', 'fe80::1%eth1'],
    ['an address with space around it', ' 192.0.2.1 ', '192.0.2.1'],
    ['whatever is no address', '_hidden4711', '_hidden4712'],
    ['an address that is none by its numbers', '192.0.2.300', '192.0.2.301'],
    ['nothing at all and a word', '', 'unknown'],
  ])('counts %s as one', (_what, one, other) => {
    expect(networkOf(one)).toBe(networkOf(other));
  });

  it.each<[what: string, one: string, other: string]>([
    ['two IPv4 addresses', '192.0.2.1', '192.0.2.2'],
    ['two of them in IPv6 form', '::ffff:192.0.2.1', '::ffff:192.0.2.2'],
    ['two IPv6 networks', '2001:db8:1:2::1', '2001:db8:1:3::1'],
    ['two IPv4 addresses that a translator shows as IPv6', '64:ff9b::192.0.2.1', '64:ff9b::192.0.2.2'],
    ['two that a translator of the operator shows', '64:ff9b:1::c000:201', '64:ff9b:1::c000:202'],
    ['an address and none', '192.0.2.1', ''],
    ['loopback and the network of all zeros', '::1', '::'],
  ])('counts %s apart', (_what, one, other) => {
    expect(networkOf(one)).not.toBe(networkOf(other));
  });
});
