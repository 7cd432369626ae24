// Chats and their messages, for each company by itself, and within it for each user. A real service has a database here.
import { randomUUID } from 'node:crypto';

/** The oldest go when there are more: this is memory. */
const MOST_CHATS = 100;
const MOST_MESSAGES = 200;
const MOST_USERS = 1_000;

const users = new Map();

/** @returns {Map<string, object>} those of this user in this company, the oldest first */
function chatsOf({ company_id, user_id }) {
  const key = `${company_id} ${user_id}`;
  const chats = users.get(key) ?? new Map();
  users.delete(key);
  users.set(key, chats);
  if (users.size > MOST_USERS) users.delete(users.keys().next().value);
  return chats;
}

export const publicView = ({ chat_id, title, created_at, updated_at }) => ({ chat_id, title, created_at, updated_at });

export function allChats(who) {
  return [...chatsOf(who).values()].reverse().map(publicView);
}

export function newChat(who, title) {
  const [chats, at] = [chatsOf(who), new Date().toISOString()];
  const chat = { chat_id: randomUUID(), title, created_at: at, updated_at: at, messages: [] };
  chats.set(chat.chat_id, chat);
  if (chats.size > MOST_CHATS) chats.delete(chats.keys().next().value);
  return chat;
}

/** @throws with a status of 404, also for what belongs to somebody else */
export function findChat(who, id) {
  const chat = chatsOf(who).get(id);
  if (!chat) throw Object.assign(new Error('there is no such chat'), { status: 404 });
  return chat;
}

export function removeChat(who, id) {
  findChat(who, id);
  chatsOf(who).delete(id);
}

export function say(chat, role, content) {
  chat.updated_at = new Date().toISOString();
  const message = { message_id: randomUUID(), role, content, created_at: chat.updated_at };
  chat.messages.push(message);
  if (chat.messages.length > MOST_MESSAGES) chat.messages.shift();
  return message;
}
