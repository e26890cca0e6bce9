# The Perl modules NetIO needs.  The C libraries are Debian packages: see inc/packages.
requires 'perl', '5.014';
requires 'DBI';
requires 'DBD::SQLite';
requires 'Text::CSV_XS';

on configure => sub {
    requires 'ExtUtils::MakeMaker', '6.64';
};

on test => sub {
    requires 'File::Temp';
    requires 'Test::More', '0.98';
    recommends 'AnyEvent';
    recommends 'CGI';
    recommends 'EV';
    recommends 'IO::Pty';
    recommends 'HTTP::Daemon';
    recommends 'IO::Socket::SSL';
    recommends 'LWP::UserAgent';
    recommends 'Net::LDAP';
    recommends 'Perl::Destruct::Level';
    recommends 'Perl::MinimumVersion';
    recommends 'Net::Server';
    recommends 'Test::LeakTrace';
};

on develop => sub {
    recommends 'Perl::Critic';
    recommends 'Perl::Tidy';
};
