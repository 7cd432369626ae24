// @ts-check
/** Where this machine can be reached. */
import { networkInterfaces } from 'node:os';

/** Interfaces of containers, virtual machines and tunnels: no phone is on these. */
const VIRTUAL = /^(docker|br-|veth|virbr|vmnet|vboxnet|utun|tun|tap|wg|zt|tailscale|cni|flannel|cali|podman|lxc|lxd)/;

/**
 * @param {ReturnType<typeof networkInterfaces>} [interfaces]
 * @returns {string | undefined} this machine's IPv4 address in the local network, if it is in one
 */
export function localNetworkAddress(interfaces = networkInterfaces()) {
  return Object.entries(interfaces)
    .filter(([name]) => !VIRTUAL.test(name))
    .flatMap(([, addresses]) => addresses ?? [])
    .find(({ family, internal, address }) => family === 'IPv4' && !internal && !address.startsWith('169.254.'))
    ?.address;
}
