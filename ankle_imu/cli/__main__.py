"""`python -m ankle_imu.cli`."""

from ankle_imu.cli.app import main

if __name__ == "__main__":
    main()
