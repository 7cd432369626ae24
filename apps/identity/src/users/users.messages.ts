import { Controller } from '@nestjs/common';
import {
  identityContract,
  type LoginAnswer,
  LoginDto,
  NothingDto,
  RegisterDto,
  UpdateMeDto,
  type UserProfile,
} from '@puerta/contracts';
import { Handles } from '@puerta/messaging';
import type { Call } from '@puerta/service';
import { UsersService } from './users.service';

@Controller()
export class UsersMessages {
  constructor(private readonly users: UsersService) {}

  @Handles(identityContract, 'users.register')
  register(dto: RegisterDto, call: Call): Promise<LoginAnswer> {
    return this.users.register(dto, call);
  }

  @Handles(identityContract, 'users.login')
  login(dto: LoginDto, call: Call): Promise<LoginAnswer> {
    return this.users.login(dto, call);
  }

  @Handles(identityContract, 'users.me')
  me(_dto: NothingDto, call: Call): Promise<UserProfile> {
    return this.users.me(call);
  }

  @Handles(identityContract, 'users.update-me')
  updateMe(dto: UpdateMeDto, call: Call): Promise<UserProfile> {
    return this.users.updateMe(dto, call);
  }
}
